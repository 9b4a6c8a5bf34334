"""The hub in a Prometheus that is installed here: a block of ours in its configuration, and nothing else touched."""

import re
from dataclasses import dataclass

from hubctl.host import Host, HostError
from hubctl.observed import PROMETHEUS
from hubctl.receipt import Receipt
from hubctl.step import OK, Described, Verdict, drifted, missing, unfit

BEGIN, END = "# openclaw-hub: begin", "# openclaw-hub: end"
RELOAD = ("systemctl", "try-reload-or-restart", "prometheus.service")

_BLOCK = re.compile(rf"^[ ]*{BEGIN}\n(?:.*\n)*?[ ]*{END}\n", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class PrometheusStep(Described):
    """Under each of these keys of its configuration (`rule_files`, `scrape_configs`) stands a block with our items."""

    items: dict[str, str]

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """Compare the file with what it would be."""
        text = _text(host)
        try:
            wanted = self._with_blocks(text)
        except HostError as error:
            return unfit(str(error))
        if text == wanted:
            return OK
        return drifted("the block there is another version's") if BEGIN in text else missing("it does not know the hub")

    def apply(self, host: Host, receipt: Receipt) -> None:
        """Put the blocks in, unless Prometheus's own program does not like the result."""
        before = _text(host)
        receipt.add("block", PROMETHEUS)
        _replace(host, self._with_blocks(before))
        judged = host.run("promtool", "check", "config", str(host.path(PROMETHEUS)))
        if judged.code not in (0, 127):
            _replace(host, before)
            raise HostError(f"promtool refuses it: {(judged.err or judged.out).strip().splitlines()[-1]}")
        host.must(*RELOAD)

    def undo(self, host: Host, receipt: Receipt) -> None:
        """Take the blocks out."""
        if receipt.word("block", PROMETHEUS) is None:
            return
        if host.status(PROMETHEUS) is not None:
            _replace(host, _without(_text(host), self.items))
            host.run(*RELOAD)
        receipt.drop("block", PROMETHEUS)

    def _with_blocks(self, text: str) -> str:
        text = _without(text, self.items)
        for key, items in self.items.items():
            text = _inserted(text, key, items)
        return text


def _text(host: Host) -> str:
    return (host.content(PROMETHEUS) or b"").decode("utf-8", "replace")


def _replace(host: Host, text: str) -> None:
    """Write in place: owner, mode and links are its own."""
    host.path(PROMETHEUS).write_text(text, "utf-8")


def _without(text: str, items: dict[str, str]) -> str:
    text = _BLOCK.sub("", text)
    for key in items:
        text = text.replace(f"{key}: {BEGIN}\n", "")
    return text


def _inserted(text: str, key: str, items: str) -> str:
    """The items first in the list under `key`, indented as it is; a key that is not there comes last."""
    found = re.search(rf"^{key}:[ \t]*(?:#.*)?\n", text, re.MULTILINE)
    if found is None:
        if re.search(rf"^{key}:", text, re.MULTILINE):
            raise HostError(f"{PROMETHEUS} has its {key} on one line; give each item a line of its own")
        # The mark beside it tells that the key is ours too.
        return f"{text}{key}: {BEGIN}\n{_indented(items, '  ')}"
    after = re.match(r"(?:[ \t]*(?:#.*)?\n)*([ ]*)- ", text[found.end() :])
    return text[: found.end()] + _indented(items, after[1] if after else "  ") + text[found.end() :]


def _indented(items: str, blanks: str) -> str:
    return "".join(f"{blanks}{line}\n" for line in (BEGIN, *items.splitlines(), END))
