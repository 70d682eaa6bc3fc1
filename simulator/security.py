"""How a charge point gets to the CPO and proves who it is: URL templates, Basic auth, TLS security profiles 1 to 3."""

import base64
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit


class BadSecurity(ValueError):
    """The OCPP URL or the security settings cannot work; the message names the field, the value and the mend."""


@dataclass(frozen=True)
class OcppSecurity:
    """Credentials of the fleet towards the CPO.

    Profile 1 is ws:// with `password`, 2 is wss:// with it, 3 is wss:// with a client certificate; 0 is none of them. `password`: one
    for all charge points, or one by id. `ca_file`: PEM of the CA of the CPO's server (default: the machine's CAs). `parts`: values of the
    other placeholders in the URL, such as `{tenant}` or `{token}`. `user`: Basic auth user, default the id
    of the charge point; `{id}` in user or password stands for it.
    """

    password: str | Mapping[str, str] | None = None
    user: str | None = None
    ca_file: Path | str | None = None
    client_cert_file: Path | str | None = None
    client_key_file: Path | str | None = None
    parts: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def password_of(self, charge_point_id: str) -> str | None:
        """The Basic auth password of a charge point."""
        if isinstance(self.password, Mapping):
            return self.password.get(charge_point_id)
        return self.password

    def headers_of(self, charge_point_id: str, password: str | None) -> dict[str, str]:
        """Extra headers of the handshake."""
        found = dict(self.headers)
        if password is not None:
            user = (self.user or "{id}").replace("{id}", charge_point_id)
            pair = f"{user}:{password.replace('{id}', charge_point_id)}".encode()
            found["Authorization"] = "Basic " + base64.b64encode(pair).decode()
        return found

    def tls(self, url: str) -> ssl.SSLContext | None:
        """TLS context for wss://, None for ws://. Raises `BadSecurity` for files that cannot be used."""
        if not url.startswith("wss:"):
            return None
        names = (
            ("ca_file", self.ca_file),
            ("client_certificate", self.client_cert_file),
            ("client_key", self.client_key_file),
        )
        for name, path in names:
            if path is not None and not Path(path).is_file():
                raise BadSecurity(f"[fleet.security] {name}: there is no file {path}; correct the path")
        try:
            context = ssl.create_default_context(cafile=None if self.ca_file is None else str(self.ca_file))
        except (OSError, ssl.SSLError):
            raise BadSecurity(
                f"[fleet.security] ca_file: no certificate in PEM in {self.ca_file}; convert it"
            ) from None
        self._present(context)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    def _present(self, context: ssl.SSLContext) -> None:
        """Load the certificate of the charge points. A key with a password is an error: nobody is asked for it."""
        if self.client_cert_file is None:
            return
        key, asked = None if self.client_key_file is None else str(self.client_key_file), []

        def password() -> str:
            asked.append(True)
            return ""

        try:
            context.load_cert_chain(str(self.client_cert_file), key, password)
        except (OSError, ssl.SSLError):
            why = (
                "is protected by a password; take it off: openssl pkey -in .. -out .."
                if asked
                else "do not belong together, or are no PEM files; PKCS#12: openssl pkcs12 -in .. -nodes -out .."
            )
            files = key if asked else f"{self.client_cert_file} and {key}"
            raise BadSecurity(f"[fleet.security] client_certificate, client_key: {files} {why}") from None

    def url_of(self, template: str, charge_point_id: str) -> str:
        """Where a charge point connects to: `{id}` and `parts` filled in, or its id appended to the path."""
        ident = quote(charge_point_id, safe="*-._~:")
        url = _filled(template, {**{k: quote(v, safe="*-._~:") for k, v in self.parts.items()}, "id": ident})
        if "{id}" not in template:
            parts = urlsplit(url)
            url = urlunsplit(parts._replace(path=parts.path.rstrip("/") + "/" + ident))
        return _checked(url)


def _filled(template: str, values: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in values:
            raise BadSecurity(
                f"ocpp_url {template}: nothing is known for {{{name}}}; give it in the fleet's URL parts or take it out "
                f"(known: {', '.join(sorted(values))})"
            )
        return values[name]

    return re.sub(r"\{(\w*)\}", value, template)


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise BadSecurity(f"ocpp_url {url}: not a WebSocket address; write ws://host:port/path or wss://host:port/path")
    if parts.fragment:
        raise BadSecurity(f"ocpp_url {url}: a WebSocket address has no '#' part; take it out")
    if any(c.isspace() for c in url):
        raise BadSecurity(f"ocpp_url {url!r}: holds a blank; take it out")
    return url
