# Two builds of one commit hold the same bytes: `docker build --build-arg REVISION="$(git rev-parse HEAD)" .`
# What is in the image and why: docs/image.md.
FROM python:3.13-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PYTHONDONTWRITEBYTECODE=1
WORKDIR /src

# What makes the wheel, the list of parts and the licences, in an environment of its own that stays behind.
COPY requirements-image.lock ./
RUN python3 -m venv /opt/tools \
 && /opt/tools/bin/python -m pip install -qq --require-hashes -r requirements-image.lock

# The environment of the final image: without pip, and without byte code, which bears the time of its making.
COPY requirements.lock ./
RUN python3 -m venv --without-pip /opt/venv \
 && python3 -m pip --python /opt/venv/bin/python install -qq --no-compile --require-hashes -r requirements.lock

COPY LICENSE README.md pyproject.toml ./
COPY sync sync
RUN /opt/tools/bin/python -m pip wheel -qq --no-deps --no-build-isolation --wheel-dir /wheel . \
 && python3 -m pip --python /opt/venv/bin/python install -qq --no-compile --no-deps --no-index /wheel/*.whl \
 && python3 -m pip --python /opt/venv/bin/python check

# What is in it, for scanners (CycloneDX) and for lawyers.
RUN mkdir /parts \
 && /opt/tools/bin/cyclonedx-py environment --output-reproducible --pyproject pyproject.toml \
      --output-file /parts/sbom.cdx.json /opt/venv/bin/python \
 && /opt/tools/bin/pip-licenses --python=/opt/venv/bin/python --format=plain-vertical --with-license-file \
      --no-license-path --with-notice-file --output-file=/parts/licences.txt

# Last, byte code that is believed without a look at times, since nothing can write it in a read-only image.
COPY deploy/image/slim.py ./
RUN /opt/venv/bin/python slim.py \
 && PYTHONHASHSEED=0 /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib

FROM python:3.13-slim-trixie
ARG REVISION=""
LABEL org.opencontainers.image.title="hubspot-c4c-sync" \
      org.opencontainers.image.description="Hands marketing qualified leads over from HubSpot to SAP Sales Cloud" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/python:3.13-slim-trixie"

COPY --from=build /opt/venv /opt/venv
COPY --from=build /parts /app/parts
COPY config /app/config

# A user without a password or a home. The program is started once: Python's official image has no byte code of the
# standard library, and with a read-only root file system each start would compile it anew.
# /data is all that is written to, SQLite's temporary files included.
RUN echo 'worker:x:10001:10001::/nonexistent:/usr/sbin/nologin' >>/etc/passwd \
 && echo 'worker:x:10001:' >>/etc/group \
 && PYTHONHASHSEED=0 /opt/venv/bin/hubspot-c4c-sync --version >/dev/null \
 && install --directory --owner=10001 --group=10001 /data

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SQLITE_TMPDIR=/data \
    SYNC_CONFIG=/app/config \
    SYNC_METRICS_PORT=9108 \
    SYNC_STATE=/data/state.db
WORKDIR /app
VOLUME /data
USER 10001:10001
HEALTHCHECK --interval=60s --timeout=15s --start-period=120s CMD ["hubspot-c4c-sync", "health"]
ENTRYPOINT ["hubspot-c4c-sync"]
CMD ["run"]
