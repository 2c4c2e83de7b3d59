"""The text of Inspect messages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["message_text", "resolved"]

_ATTACHMENT: Final = re.compile(r"attachment://([0-9a-f]{32})")


def message_text(message: Mapping[str, Any]) -> str:
    """What a message says: its text parts; reasoning is not part of a response, images and the like are named."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = []
    for part in content or ():
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "text":
            parts.append(str(part.get("text") or ""))
        elif kind != "reasoning":
            parts.append(f"[{kind}]")
    return "\n".join(parts)


def resolved(text: str | None, attachments: Mapping[str, str]) -> str | None:
    """The text with its references to long texts (``attachment://HASH``) replaced by them."""
    if text is None or "attachment://" not in text:
        return text
    return _ATTACHMENT.sub(lambda found: attachments.get(found.group(1), found.group()), text)
