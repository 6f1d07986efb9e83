"""The page as a web application: its addresses, and the door in front of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from typing import Any
from urllib.parse import parse_qs

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sync.admin import lists, overview, report, story
from sync.admin.people import Asking
from sync.domain.codes import EXPLANATIONS, Code
from sync.domain.numbers import identifier
from sync.environment import PageSettings
from sync.errors import StateError
from sync.jobs.runner import place_of
from sync.log import Event, emit
from sync.page import charts, door, figures, words
from sync.page.answers import State
from sync.page.door import Patience
from sync.state import trouble

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
"""Of every answer: no script and nothing from elsewhere, and no copy is kept, since it may show people."""

PARKED, RUNS, FOUND = 60, 100, 50
"""Rows of one view at most."""

_BODY = 4096
"""Bytes of a form at most; a search is one line."""


@dataclass(frozen=True)
class Site:
    """The views. Each is made from one consistent state of the file."""

    state: State
    settings: PageSettings
    now: Callable[[], datetime]

    def routes(self) -> list[Route]:
        return [
            Route("/", self.overview),
            Route("/parked", self.parked),
            Route("/parked/{code}", self.parked),
            Route("/runs", self.runs),
            Route("/contact/{contact}", self.contact),
            Route("/search", self.search, methods=["GET", "POST"]),
            Route("/page.css", _style),
            Route("/icon.svg", _icon),
        ]

    def overview(self, request: Request) -> Response:
        del request
        with self.state.asking() as (asking, store):
            found = overview.overview(asking, store, self.now(), self.state.configuration, self.state.certificate)
        return self._shown("overview.html", o=found, zone=found.zone, **figures.figures(found))

    def parked(self, request: Request) -> Response:
        """What needs a person: all of it, or what is parked with one code."""
        code = request.path_params.get("code")
        if code is not None and code not in set(Code):
            raise HTTPException(404, "There is no such reason code.")
        with self.state.asking() as (asking, _):
            counts = report.parked(asking.session)
            rows = overview.waiting(asking, PARKED, code)
        total = sum(p.count for c, p in counts.items() if code in (None, c))
        return self._shown("parked.html", rows=rows, total=total, counts=counts, code=Code(code) if code else None)

    def runs(self, request: Request) -> Response:
        del request
        with self.state.asking() as (asking, _):
            rows = overview.runs(asking, RUNS)
        return self._shown("runs.html", rows=rows)

    def contact(self, request: Request) -> Response:
        contact = request.path_params["contact"]
        with self.state.asking() as (asking, _):
            return self._contact(asking, contact)

    def _contact(self, asking: Asking, contact: str) -> Response:
        found = story.story(asking, contact) if identifier(contact) else None
        if found is None:
            raise HTTPException(404, "This contact is not in the mirror.")
        return self._shown("contact.html", s=found, **figures.of_contact(asking, found))

    async def search(self, request: Request) -> Response:
        """Answers a form. What was searched for is in no address, so it is in no history and no log either."""
        if request.method != "POST":
            return RedirectResponse("/", 303)
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise HTTPException(403, "Search from the page itself.")
        text = await _searched(request)
        return await run_in_threadpool(self._found, text)

    def _found(self, text: str) -> Response:
        with self.state.asking() as (asking, _):
            rows, more = lists.find_few(asking, text, FOUND, by_name=asking.names)
            if len(rows) == 1:
                return self._contact(asking, rows[0].contact)
        return self._shown("found.html", rows=rows, more=more, empty=not text)

    def _shown(self, template: str, **values: Any) -> Response:
        given = {"names": self.settings.names, "now": self.now(), "zone": UTC, **values}
        return HTMLResponse(_TEMPLATES.get_template(template).render(given))


async def _searched(request: Request) -> str:
    """The text of the form's field `text`."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _BODY:
            raise HTTPException(413, "That is too long for a search.")
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=8)
    return fields.get("text", [""])[0].strip()


def _templates() -> Environment:
    found = Environment(
        loader=PackageLoader("sync.page"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"short": words.short, "took": words.took}
    found.globals |= {
        "moment": words.moment,
        "age": words.age,
        "count": words.count,
        "columns": charts.columns,
        "share": charts.share,
        "explanations": EXPLANATIONS,
    }
    return found


_TEMPLATES = _templates()


def _file(name: str, kind: str) -> Callable[[Request], Response]:
    content = resources.files("sync.page").joinpath(name).read_bytes()
    return lambda _: Response(content, media_type=kind)


_style = _file("page.css", "text/css")
_icon = _file("icon.svg", "image/svg+xml")


def _problem(request: Request, error: Exception) -> Response:
    """A page that says what is wrong, for addresses that lead nowhere and questions without an answer."""
    del request
    status, text = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, "")
    page = _TEMPLATES.get_template("problem.html").render(text=text, status=status, names=False)
    return HTMLResponse(page, status)


def application(state: State, settings: PageSettings, now: Callable[[], datetime], patience: Patience) -> ASGIApp:
    """The page with its door: what a web server serves."""
    # Not the class Starlette: it answers a bug itself, before the door can.
    router = Router(Site(state, settings, now).routes(), default=_nothing)
    return _Door(ExceptionMiddleware(router, {HTTPException: _problem}), state, settings, patience)


async def _nothing(*_: object) -> None:
    """The answer to an address that leads nowhere."""
    raise HTTPException(404)


@dataclass(frozen=True)
class _Door:
    """Stands before the site: asks who it is, adds the headers, and turns failures into answers."""

    site: ASGIApp
    state: State
    settings: PageSettings
    patience: Patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        started = False

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        try:
            answer = await self._refused(scope) or self.site
            await answer(scope, receive, guarded)
        except Exception as error:
            if started:
                raise
            await self._failed(error)(scope, receive, guarded)

    async def _refused(self, scope: Scope) -> Response | None:
        """Why the request goes no further, or None."""
        headers = Headers(scope=scope)
        if not door.known_host(self.settings, headers.get("host", "")):
            return PlainTextResponse(
                "The page does not answer to this name; SYNC_PAGE_HOSTS lists those it has.\n", 421
            )
        client = scope["client"][0] if scope.get("client") else ""
        if not self.settings.closed or door.signed_in(self.settings, client, headers):
            return None
        if self.settings.token is None:
            return PlainTextResponse("Sign in at the proxy in front of this page.\n", 403)
        given, expected = door.given_token(headers), self.settings.token
        if given is None:
            return _unauthorised("This page needs a token: any user name, and the token as the password.\n")
        if await self.patience.fits(client, lambda: door.same(given, expected.value)):
            return None
        emit(Event.PAGE_REFUSED)
        return _unauthorised("This is not the token.\n")

    def _failed(self, error: Exception) -> Response:
        """Says what is wrong with the state file; of a bug only kind and place, since its text may hold values."""
        if isinstance(error, StateError | SQLAlchemyError | OSError):
            text = str(error) if isinstance(error, StateError) else trouble.sentence(error, self.state.path)
            emit(Event.PAGE_FAILED, cause=text)
            return PlainTextResponse(f"{text}\n", 503)
        emit(Event.PAGE_FAILED, cause=f"{type(error).__name__} at {place_of(error)}")
        return PlainTextResponse(f"A bug: {type(error).__name__}; see the event page_failed in the log.\n", 500)


def _unauthorised(text: str) -> Response:
    return PlainTextResponse(text, 401, {"WWW-Authenticate": 'Basic realm="hubspot-c4c-sync", charset="UTF-8"'})
