"""The settings for notices to people outside of the inbox: by mail, or by a hook of the operator."""

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings


class NoticeSettings(BaseSettings):
    """How people are informed outside of the inbox of their account."""

    smtp_url: SecretStr | None = Field(
        None,
        description="The mail server that sends notices to people: smtps://USER:PASSWORD@HOST:465 with TLS, or"
        " smtp://USER:PASSWORD@HOST:587 with STARTTLS, which is required except for a loopback host. User name and"
        " password are percent-encoded. If absent, no mail is sent.",
    )
    smtp_from: str | None = Field(
        None,
        description='The sender of mails to people, such as "Sesame <notices@gateway.example>". Required with'
        " GATEWAY_SMTP_URL.",
    )
    notice_hook: str | None = Field(
        None,
        description="A URL of your own that gets each notice to a person as signed JSON, instead of a mail server. Its"
        " address must be public or in GATEWAY_OUTGOING_NETWORKS.",
    )
    notice_hook_secret: SecretStr | None = Field(
        None,
        description="The secret with which requests to GATEWAY_NOTICE_HOOK are signed (Standard Webhooks): whsec_ and"
        " 24 to 64 random bytes in base64. Required with GATEWAY_NOTICE_HOOK.",
    )

    @field_validator("smtp_url")
    @classmethod
    def _known_scheme(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("smtp://", "smtps://")):
            raise ValueError("must begin with smtps:// or smtp://")
        return value
