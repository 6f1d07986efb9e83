"""The sandbox process: three servers in one event loop, from the bound sockets to the orderly end."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
from collections.abc import Iterator
from functools import partial

import uvicorn
from starlette.types import ASGIApp

from sandbox import c4c, control
from sandbox.c4c.app import build_app as build_c4c
from sandbox.counters import SYSTEMS
from sandbox.hubspot.app import build_app as build_hubspot
from sandbox.serve import System
from sandbox.strict.front import StrictFront
from sandbox.strict.http.wire import watched
from sandbox.world import World

HOST = "127.0.0.1"
HUBSPOT_TOKEN = "sandbox-hubspot-token"
PARENT_CHECK_SECONDS = 0.5


class Server(uvicorn.Server):
    """A uvicorn server that leaves the signals to the process: three of them would overwrite each other's handlers."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run(options: argparse.Namespace) -> None:
    parent = os.getppid()
    world = World.empty()
    if not options.empty:
        world.seed(options.contacts, options.companies, options.seed)
    asyncio.run(serve(world, options, parent))


async def serve(world: World, options: argparse.Namespace, parent: int) -> None:
    """Serves until a signal comes or, if asked, until `parent` is gone: it may die before the first answer."""
    apps = _applications(world, options.strict)
    sockets = {name: _listen(getattr(options, f"{name}_port")) for name in apps}
    protocols = _protocols(world) if options.strict else {}
    servers = {name: _server(app, protocols.get(name)) for name, app in apps.items()}
    _stop_on_signal(list(servers.values()))
    tasks = [asyncio.create_task(servers[name].serve(sockets=[sockets[name]])) for name in apps]
    while not all(server.started or server.should_exit for server in servers.values()):
        await asyncio.sleep(0.005)
    print(json.dumps(_announcement(sockets)), flush=True)
    watcher = asyncio.create_task(_die_with_parent(list(servers.values()), parent)) if options.die_with_parent else None
    await asyncio.gather(*tasks)
    if watcher:
        watcher.cancel()


def _applications(world: World, strict: bool) -> dict[str, ASGIApp]:
    systems: dict[str, ASGIApp] = {
        "hubspot": System(world, "hubspot", lambda w: build_hubspot(w.hubspot)),
        "c4c": System(world, "c4c", lambda w: build_c4c(w.c4c)),
    }
    if strict:
        systems = {name: StrictFront(world, name, system) for name, system in systems.items()}
    return {**systems, "control": control.build_app(world)}


def _protocols(world: World) -> dict[str, type[asyncio.Protocol]]:
    """For the strict front: the two systems' connections are watched octet by octet."""
    return {name: watched(partial(world.violations.add, name, "(head)")) for name in SYSTEMS}


def _listen(port: int) -> socket.socket:
    # asyncio turns off Nagle's delay, 40 ms an answer, only for sockets that say they are TCP
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    return listener


def _server(app: ASGIApp, protocol: type[asyncio.Protocol] | None) -> Server:
    config = uvicorn.Config(
        app, lifespan="off", log_level="warning", access_log=False, proxy_headers=False, timeout_graceful_shutdown=1,
        date_header=False,
        http=protocol or "auto",
    )  # fmt: skip
    return Server(config)


def _stop_on_signal(servers: list[Server]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, servers)


def _stop(servers: list[Server]) -> None:
    for server in servers:
        server.should_exit = True


async def _die_with_parent(servers: list[Server], parent: int) -> None:
    while os.getppid() == parent:
        await asyncio.sleep(PARENT_CHECK_SECONDS)
    _stop(servers)


def _announcement(sockets: dict[str, socket.socket]) -> dict[str, str]:
    addresses = {name: f"http://{HOST}:{listener.getsockname()[1]}" for name, listener in sockets.items()}
    return {**addresses, "token": HUBSPOT_TOKEN, "username": c4c.USERNAME, "password": c4c.PASSWORD}
