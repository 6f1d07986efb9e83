"""Shell completion: each shell gets its script, and the shell is offered what can come next."""

import sys
from collections.abc import Callable

import pytest

from sync.cli import main
from sync.domain.codes import Code
from sync.jobs.runner import JOBS

VARIABLE = "_HUBSPOT_C4C_SYNC_COMPLETE"
Ask = Callable[..., str]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """What the program answers to a shell that set these variables."""

    def asked(instruction: str, **variables: str) -> str:
        for name, value in ({VARIABLE: instruction} | variables).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["/usr/bin/hubspot-c4c-sync"])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        return capsys.readouterr().out

    return asked


@pytest.mark.parametrize(
    ("shell", "traits"),
    [
        ("bash", ["complete -o default -F _hubspot_c4c_sync_completion hubspot-c4c-sync", f"{VARIABLE}=complete_bash"]),
        ("zsh", ["#compdef hubspot-c4c-sync", f"{VARIABLE}=complete_zsh"]),
        ("fish", ["complete --command hubspot-c4c-sync", f"{VARIABLE}=complete_fish"]),
    ],
)
def test_each_shell_gets_its_script(ask: Ask, shell: str, traits: list[str]) -> None:
    script = ask(f"source_{shell}")
    assert [trait for trait in traits if trait not in script] == []


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("o", ["once"]),
        ("re", ["report", "resume", "resync"]),
        ("parked ", ["drop", "leave", "list", "retry", "show"]),
        ("once ", list(JOBS)),
        ("once poll s", ["scores", "sweep"]),
        ("runs --job h", ["housekeeping"]),
        ("resync --e", ["--everything"]),
        ("resync --code ", list(Code)),
        ("parked list --code COMP", ["COMPANY_AMBIGUOUS", "COMPANY_DUPLICATE"]),
        ("links forget L", ["Lead"]),
    ],
)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_offered_what_can_come_next(ask: Ask, shell: str, line: str, offered: list[str]) -> None:
    typed = f"hubspot-c4c-sync {line}"
    variables = {
        "bash": {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split(" ")) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": typed},
        "fish": {"_TYPER_COMPLETE_ARGS": typed, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }
    answer = ask(f"complete_{shell}", **variables[shell])
    words = {"bash": answer.split(), "zsh": answer.split('"')[1::2], "fish": answer.splitlines()}[shell]
    assert {word.partition(":")[0].partition("\t")[0] for word in words} >= set(offered)
    if shell == "bash":
        assert sorted(words) == sorted(offered)
