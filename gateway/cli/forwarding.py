"""Forwards events to a developer's receiver as the gateway delivers them, and explains what goes wrong."""

from datetime import datetime

from gateway.cli.event_source import StreamedEvent
from gateway.cli.receivers import NO_ANSWER
from gateway.kit.clock import WallTime, wall_clock
from gateway.kit.http import HttpClient
from gateway.services.webhooks.sending import Attempt, Result, WebhookSender
from gateway.store.webhooks.delivery_rows import WebhookMessageRow

_SHOWN = 200
"""How many characters of an answer are shown."""

_OTHER = {
    "url": "The URL cannot be used.",
    "encoding": "The answer is compressed. Answer without a Content-Encoding.",
    "too_large": "The answer is larger than 64 KiB.",
    "internal": "The event could not be sent.",
}
_SIGNATURE = (
    "Most likely the signature. Check that the receiver has the secret of this command, that it verifies the bytes of"
    " the body before it parses them, and that its clock is right."
)
_ADVICE = {
    400: _SIGNATURE,
    401: _SIGNATURE,
    403: _SIGNATURE,
    404: "Check the path of --forward.",
    405: "Check the path of --forward: it must accept POST.",
    410: "This answer would disable an endpoint at once.",
    413: "The receiver must accept bodies of up to 64 KiB.",
    415: "The receiver must accept application/json.",
    429: "The gateway would send nothing for a while, and then try again.",
}


class Forwarder:
    """Sends events to `url`, signed with `secret`. Each is sent once. `shown_url` is the URL without what may be
    secret."""

    def __init__(self, client: HttpClient, url: str, secret: str, shown_url: str) -> None:
        self.shown_url = shown_url
        self._sender, self._url, self.secret = WebhookSender(client, wall_clock), url, secret

    def forward(self, event: StreamedEvent) -> Result:
        """Sends an event and returns the result."""
        message = WebhookMessageRow(
            event_id=event.id,
            content_type=event.content_type,
            signature=event.signature,
            header=event.header,
            body=event.body.encode(),
            created_at=WallTime(datetime.fromisoformat(event.created_at)),
        )
        secrets = (self.secret,)
        return self._sender.send(Attempt(event.id, event.id, 1, 1, "", self._url, False, secrets, message))

    def answer_of(self, result: Result) -> str:
        """The beginning of the receiver's answer in one line, without the secret. "" if there is none."""
        text = " ".join((result.row.response_body or "").replace(self.secret, "[secret]").split())
        return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."

    def explain(self, result: Result) -> str:
        """Why the receiver has not accepted an event, and what to check."""
        status, error = result.row.response_status, result.row.error
        if status is None:
            reason = error or "internal"
            texts = _OTHER | {str(name): text for name, text in NO_ANSWER.items()}
            return texts.get(reason, _OTHER["internal"])
        if 300 <= status < 400:
            advice = "Redirects are not followed. Give the final URL as --forward."
        elif status >= 500:
            advice = "The receiver has failed. Its log has the reason."
        else:
            advice = _ADVICE.get(status, "A receiver must answer 2xx.")
        answer = self.answer_of(result)
        return f"{advice} It answered: {answer}" if answer else advice
