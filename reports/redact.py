"""Makes a report fit for sharing: contracts, EVSEs, sessions, addresses, names and numbers get pseudonyms everywhere.

What is left as it was: operator and provider ids, countries, time zones, every time, amount and code.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

from oicp import wire_json
from oicp.evidence import Answer, Evidence, Exchange, Observation, Request, Tls
from oicp.rulebook import Finding, RequirementVerdict, judge
from reports.pseudonyms import IDS, Kind, Pseudonyms
from reports.report import Report, ScenarioResult
from reports.secrets import HIDDEN, shown_headers, without_keys

_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("evseid", "evse_id", "evse_ids", "chargingpoolid"), Kind.EVSE),
    **dict.fromkeys(("evcoid", "evco_id"), Kind.EVCO),
    **dict.fromkeys((
        "sessionid", "session_id", "cpopartnersessionid", "emppartnersessionid", "uid", "rfid", "printednumber", "id_tag", "idtag",
        "idtoken", "parentidtag", "chargingstationid", "clearinghouseid", "charge_point", "meterid", "pin",
        "chargepointserialnumber", "chargeboxserialnumber", "meterserialnumber", "serialnumber", "iccid", "imsi",
        "hashvalue", "partner_session_id", "emp_partner_session_id", "remote_id_tag",
    ), Kind.ID),
    **dict.fromkeys((
        "city", "street", "postalcode", "housenum", "floor", "region", "parkingspot", "parkingfacility", "operatorname",
        "operator_name", "suboperatorname", "hardwaremanufacturer",
    ), Kind.TEXT),
    **dict.fromkeys(("hotlinephonenumber", "phonenumber", "phone"), Kind.PHONE),
    **dict.fromkeys(("coordinates", "coordinatea", "latitude", "longitude"), Kind.POSITION),
    "chargingstationimage": Kind.URL,
}  # fmt: skip
"""Kinds by the name of the member, in lower case."""

_TEXT_LISTS = ("chargingstationnames", "chargingstationname", "chargingstationlocationreference", "additionalinfo")
_HIDDEN_SETTINGS = re.compile(
    r"command|hook|file|path|folder|dir$|out$|token|password|secret|key|database", re.IGNORECASE
)
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+|"', re.DOTALL)
_WORD = re.compile(r"[A-Za-z0-9+][A-Za-z0-9*+\-_]{4,}")
_FIRST_WORD = re.compile(r"\w+")
_PHRASE = 6
_EDGE = re.compile(r"[*+\-_]")
_HOST = re.compile(r"(?<=://)[^/:\s\"]+")
_IPV4 = re.compile(r"(?<![0-9.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9.])")
_RDN = re.compile(r"(?<==)[^,+/]+")
_LOCAL = re.compile(r"localhost|127\.|\[?::1|0\.0\.0\.0|host-[0-9]+\.example|192\.0\.2\.")


def _kind(name: str, parent: str) -> Kind | None:
    name, parent = name.lower(), parent.lower()
    if name == "value":
        return Kind.TEXT if parent in _TEXT_LISTS else Kind.ID if parent == "hashedpin" else None
    if name == "id" and parent in ("charge_points", "idtoken"):
        return Kind.ID
    return _KINDS.get(name)


@dataclass
class Redactor:
    """Rewrites evidence and reports with one set of pseudonyms. `key`: see `Pseudonyms`."""

    pseudonyms: Pseudonyms = field(default_factory=Pseudonyms)
    _hosts: dict[str, str] = field(default_factory=dict)
    _kept: set[str] = field(default_factory=set)
    _by_first_word: dict[str, list[tuple[str, str, int]]] = field(default_factory=dict)

    def evidence(self, evidence: Evidence) -> Evidence:
        """The same recording with pseudonyms; rules come to the same verdict about it."""
        self._kept |= set(evidence.run.operator_ids)
        self._rewritten(evidence)  # learns the originals
        self.pseudonyms.start_again()
        self._rewritten(evidence)  # finds pseudonyms that are no originals
        self._index_phrases()
        return self._rewritten(evidence)

    def _rewritten(self, evidence: Evidence) -> Evidence:
        run = evidence.run
        run = replace(run, fleet=self._value(run.fleet), settings=self._settings(run.settings))
        exchanges = tuple(self._exchange(e) for e in evidence.exchanges)
        observations = tuple(self._observation(o) for o in evidence.observations)
        return Evidence(run, exchanges, observations)

    def report(self, report: Report) -> Report:
        """The same report with pseudonyms; findings are made anew from the redacted recording."""
        evidence = self.evidence(report.evidence)
        old = report.verdict
        new = judge(evidence, profiles=old.profiles, strict=old.strict, expected_violations=report.expected_violations)
        fresh = {v.requirement.id: v for v in new.requirements}
        verdicts = tuple(self._verdict(v, fresh.get(v.requirement.id)) for v in old.requirements)
        scenarios = tuple(self._scenario(s) for s in report.scenarios)
        return replace(
            report, verdict=replace(old, requirements=verdicts), evidence=evidence, scenarios=scenarios,
            command=self._words(report.command),
        )  # fmt: skip

    def _verdict(self, old: RequirementVerdict, new: RequirementVerdict | None) -> RequirementVerdict:
        if new is not None and new.outcome is old.outcome and len(new.findings) == len(old.findings):
            return new
        return replace(old, findings=tuple(self._finding(f) for f in old.findings), reason=self.text(old.reason))

    def _finding(self, finding: Finding) -> Finding:
        return replace(
            finding, observed=self.text(finding.observed) or "", session_id=self._id(Kind.ID, finding.session_id),
            evse_id=self._id(Kind.EVSE, finding.evse_id),
        )  # fmt: skip

    def _scenario(self, result: ScenarioResult) -> ScenarioResult:
        evse_ids = tuple(self.pseudonyms.of(Kind.EVSE, i) for i in result.evse_ids)
        return replace(result, reason=self.text(result.reason), evse_ids=evse_ids)

    def _id(self, kind: Kind, value: str | None) -> str | None:
        return None if value is None else self.pseudonyms.of(kind, value)

    def text(self, text: str | None) -> str | None:
        """Free text: everything that is known by now is replaced, however it is embedded."""
        if text is None:
            return None
        text = self._words(text)
        known = sorted(self.pseudonyms.known.items(), key=lambda item: -len(item[0][1]))
        for (_, original), new in known:
            if len(original) > 3 and original in text:
                text = text.replace(original, new)
            elif f'"{original}"' in text:
                text = text.replace(f'"{original}"', f'"{new}"')
        return text

    # --- exchanges ---------------------------------------------------------------------------------------------------

    def _exchange(self, exchange: Exchange) -> Exchange:
        request, answer = exchange.request, exchange.answer
        return replace(
            exchange,
            request=Request(request.method, self._words(request.target), self._headers(request.headers), self._body(request.body)),
            answer=answer and Answer(answer.http_status, self._headers(answer.headers), self._body(answer.body)),
            url=self._words(exchange.url), tls=self._tls(exchange.tls), error=exchange.error and self._words(exchange.error),
            connection=exchange.connection and self._words(exchange.connection), recorder=self._value(exchange.recorder),
            faults=tuple(self._words(name) for name in exchange.faults),
        )  # fmt: skip

    def _headers(self, headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        out = []
        for name, value in shown_headers(headers):
            host = name.lower() in ("host", "x-forwarded-host")
            out.append((name, self._host_port(value) if host else self._words(value)))
        return tuple(out)

    def _tls(self, tls: Tls | None) -> Tls | None:
        if tls is None or tls.certificate is None:
            return tls
        c = tls.certificate
        changed = replace(
            c, subject=self._name(c.subject), issuer=self._name(c.issuer),
            serial=self.pseudonyms.of(Kind.TEXT, c.serial), fingerprint=self.pseudonyms.of(Kind.TEXT, c.fingerprint),
        )  # fmt: skip
        return replace(tls, certificate=changed)

    def _name(self, name: str) -> str:
        def changed(match: re.Match[str]) -> str:
            value = match.group()
            return value if value in self._kept or _LOCAL.match(value) else self.pseudonyms.of(Kind.TEXT, value)

        return _RDN.sub(changed, name)

    def _body(self, raw: bytes) -> bytes:
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            return self._json_text(raw.decode("latin-1")).encode("latin-1", "replace")
        return self._json_text(text).encode("utf-8", "backslashreplace")

    def _json_text(self, text: str) -> str:
        """JSON (or something like it) with its values replaced; blanks, digits and doubled members stay as they are."""
        out: list[str] = []
        stack: list[list[str]] = [["", "", ""]]  # opening bracket, name of the current member, name of the container
        end = 0
        found = list(_TOKEN.finditer(text))
        for match, following in zip_longest(found, found[1:]):
            part = match.group()
            out.append(text[end : match.start()])
            end = match.end()
            top = stack[-1]
            if part in "{[":
                stack.append([part, top[1] if part == "[" else "", top[1] or top[2]])
            elif part in "}]" and len(stack) > 1:
                stack.pop()
            elif part[0] == '"' and top[0] == "{" and following is not None and following.group() == ":":
                top[1] = _unquoted(part)
            elif part not in ":,}]":
                part = self._token(part, top[1], top[2])
            out.append(part)
        return "".join(out) + text[end:]

    def _token(self, token: str, name: str, parent: str) -> str:
        kind = _kind(name, parent)
        if token[0] == '"' and len(token) > 1:
            value = _unquoted(token)
            new = self.pseudonyms.of(kind, value) if kind else self._words(value)
            return token if new == value else _quoted(new, ascii_only=token.isascii())
        if kind and token not in ("true", "false", "null"):
            new = self.pseudonyms.of(kind, token)
            return new if kind is Kind.POSITION or new[0] != "0" else "1" + new[1:]  # a number has no leading zero
        return self._words(token)

    # --- everything else ---------------------------------------------------------------------------------------------

    def _observation(self, o: Observation) -> Observation:
        return replace(
            o,
            evse_id=self._id(Kind.EVSE, o.evse_id),
            charge_point=self._id(Kind.ID, o.charge_point),
            data=self._value(o.data),
        )

    def _value(self, value: Any, name: str = "", parent: str = "") -> Any:
        """A value of an observation, of the fleet: members by their names, other strings by what they hold."""
        if isinstance(value, Mapping):
            return {k: self._value(v, str(k), name or parent) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._value(v, name, name or parent) for v in value]
        if not isinstance(value, str):
            return value
        kind = _kind(name, parent)
        return self.pseudonyms.of(kind, value) if kind else self._words(value)

    def _settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        return {k: self._setting(k, v) for k, v in settings.items()}

    def _setting(self, name: str, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {
                k: HIDDEN if _HIDDEN_SETTINGS.search(name) and isinstance(v, (str, list)) else self._setting(k, v)
                for k, v in value.items()
            }
        if _HIDDEN_SETTINGS.search(name) and isinstance(value, (str, list)):
            return HIDDEN
        return self._value(value, name)

    def _words(self, text: str) -> str:
        """Known ids inside a text, hosts, addresses of machines, private keys."""
        text = without_keys(text)
        if "://" in text:
            text = _HOST.sub(lambda m: self._host(m.group()), text)
        text = _IPV4.sub(lambda m: self._host(m.group()), text) if "." in text else text
        return _WORD.sub(self._word, self._phrases(text))

    def _phrases(self, text: str) -> str:
        """Names, streets, numbers that stand inside a longer text: looked up by their first word."""
        out, end = [], 0
        for match in _FIRST_WORD.finditer(text):
            if match.start() < end:
                continue
            for original, new, offset in self._by_first_word.get(match.group(), ()):
                start = match.start() - offset
                if start >= end and text.startswith(original, start):
                    out.append(text[end:start] + new)
                    end = start + len(original)
                    break
        return "".join(out) + text[end:]

    def _index_phrases(self) -> None:
        self._by_first_word.clear()
        for (kind, original), new in self.pseudonyms.known.items():
            first = _FIRST_WORD.search(original)
            if kind not in IDS and kind is not Kind.POSITION and len(original) >= _PHRASE and first:
                self._by_first_word.setdefault(first.group(), []).append((original, new, first.start()))
        for entries in self._by_first_word.values():
            entries.sort(key=lambda entry: -len(entry[0]))

    def _word(self, match: re.Match[str]) -> str:
        """A word that is an id, or holds one between separators (`at-<session id>`)."""
        word = match.group()
        if word in self._kept:
            return word
        edges = [m.start() for m in _EDGE.finditer(word)]
        starts, ends = [0, *(e + 1 for e in edges)], [*edges, len(word)]
        for start in starts:
            for end in reversed(ends):
                found = self._known_id(word[start:end]) if end - start > 4 else None
                if found is not None:
                    return word[:start] + found + word[end:]
        return word

    def _known_id(self, word: str) -> str | None:
        known = self.pseudonyms.known
        return next((known[kind, word] for kind in IDS if (kind, word) in known), None)

    def _host_port(self, value: str) -> str:
        host, colon, port = value.rpartition(":") if re.search(r":[0-9]+$", value) else (value, "", "")
        return self._host(host) + colon + port

    def _host(self, host: str) -> str:
        if _LOCAL.match(host):
            return host
        number = len(self._hosts) + 1
        made = f"192.0.2.{number}" if _IPV4.fullmatch(host) else f"host-{number}.example"
        return self._hosts.setdefault(host, made)


def _unquoted(token: str) -> str:
    value = wire_json.parse_text(token).value
    return value if isinstance(value, str) else token.strip('"')


def _quoted(text: str, *, ascii_only: bool) -> str:
    return json.dumps(text, ensure_ascii=ascii_only)
