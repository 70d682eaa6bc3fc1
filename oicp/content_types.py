"""`Content-Type` headers read leniently."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ContentType:
    """Media type in lower case, charset in lower case or None."""

    media_type: str
    charset: str | None

    @property
    def is_json(self) -> bool:
        """`application/json` itself."""
        return self.media_type == "application/json"

    @property
    def is_other_json(self) -> bool:
        """Another name for JSON: `text/json`, `application/hal+json`."""
        subtype = self.media_type.rpartition("/")[2]
        return not self.is_json and (subtype in ("json", "x-json") or subtype.endswith("+json"))

    @property
    def is_utf8(self) -> bool:
        """No charset, or UTF-8."""
        return self.charset is None or self.charset.replace("-", "").replace("_", "") == "utf8"


def content_type(header: str) -> ContentType:
    """Read a header value."""
    media_type, *parameters = header.split(";")
    charset = None
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            charset = value.strip().strip("\"'").lower()
    return ContentType(media_type.strip().lower(), charset or None)
