# The project's wheel, built with the locked hatchling.
FROM python:3.13-slim-trixie AS wheel
WORKDIR /src
COPY requirements-dev.lock ./
RUN python3 -m venv /opt/build \
 && /opt/build/bin/python -m pip install -qq --no-cache-dir --disable-pip-version-check \
      --require-hashes -r requirements-dev.lock
COPY LICENSE README.md pyproject.toml ./
COPY sandbox sandbox
COPY sync sync
RUN /opt/build/bin/python -m pip wheel -qq --no-deps --no-build-isolation --wheel-dir /wheel .

# The virtual environment of the final image: without pip, byte code made here as nothing can write it later.
FROM python:3.13-slim-trixie AS venv
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1 PIP_PYTHON=/opt/venv/bin/python
RUN python3 -m venv --without-pip /opt/venv
COPY requirements.lock ./
RUN python3 -m pip install -qq --require-hashes -r requirements.lock
COPY --from=wheel /wheel /wheel
RUN python3 -m pip install -qq --no-deps --no-index /wheel/*.whl \
 && python3 -m pip check \
 && /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib

FROM python:3.13-slim-trixie
LABEL org.opencontainers.image.title="hubspot-c4c-sync" \
      org.opencontainers.image.description="Hands marketing qualified leads over from HubSpot to SAP Sales Cloud" \
      org.opencontainers.image.licenses="Apache-2.0"

# /data is all that is written to, SQLite's temporary files included; the root file system may be mounted read-only.
RUN groupadd --gid 10001 worker \
 && useradd --uid 10001 --gid worker --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin worker \
 && install --directory --owner=worker --group=worker /data
COPY --from=venv /opt/venv /opt/venv
COPY config /app/config

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SQLITE_TMPDIR=/data \
    SYNC_CONFIG=/app/config \
    SYNC_STATE=/data/state.db
WORKDIR /app
VOLUME /data
USER 10001:10001
HEALTHCHECK --interval=60s --timeout=15s --start-period=120s CMD ["hubspot-c4c-sync", "health"]
ENTRYPOINT ["hubspot-c4c-sync"]
CMD ["run"]
