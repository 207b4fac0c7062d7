"""What makes a model an event on a bus: its names, its rule pattern, its entry, its parsing."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from cv_contracts._base import ContractModel

PROCESSOR_SOURCE = "cv-analytics.processor"
REPORTER_SOURCE = "cv-analytics.reporter"
CHATBOT_SOURCE = "cv-analytics.chatbot"


class BusEvent(ContractModel):
    """A contract that travels as the `detail` of an EventBridge event.

    The rule's pattern, the publisher's entry and the consumer's parsing all come from the three
    names that a subclass declares; nobody else spells them.
    """

    SOURCE: ClassVar[str]
    DETAIL_TYPE: ClassVar[str]
    VERSION: ClassVar[str]

    @classmethod
    def event_pattern(cls) -> dict[str, list[str]]:
        """The EventBridge pattern that admits this event and no other."""
        return {"source": [cls.SOURCE], "detail-type": [cls.DETAIL_TYPE]}

    @classmethod
    def schema_name(cls) -> str:
        """The URN of the contract: detail-type and version."""
        return f"urn:cv-analytics:{cls.DETAIL_TYPE}:{cls.VERSION}"

    @classmethod
    def from_event(cls, event: dict[str, Any]) -> Self:
        """Read what EventBridge delivered (the whole event, parsed). Raises `ValidationError`."""
        return cls.read(event["detail"])

    def to_entry(self, bus_name: str) -> dict[str, str]:
        """The `PutEvents` entry that publishes this event on the bus."""
        return {
            "EventBusName": bus_name,
            "Source": self.SOURCE,
            "DetailType": self.DETAIL_TYPE,
            "Detail": self.to_json(),
        }
