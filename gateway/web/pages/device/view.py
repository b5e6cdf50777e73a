"""The views of the device page: which point of sale asks, for what, and up to how much."""

from dataclasses import dataclass

from gateway.domain.consents.authorization_detail import AuthorizationDetail
from gateway.domain.consents.request import AS_ASKED, Choice
from gateway.domain.errors import InvalidInput
from gateway.oauth.endpoints.device_verification import DeviceRequest
from gateway.web.site.consent_parts import ConsentPart, describe_parts
from gateway.web.site.narrowing_form import NarrowingForm, describe_form
from gateway.web.texts import Texts


@dataclass(frozen=True, slots=True)
class PointOfSaleRequest:
    """The waiting request of a point of sale, and the name of the signed-in person."""

    name: str
    waiting: DeviceRequest


@dataclass(frozen=True, slots=True)
class SaleView:
    """A purchase that the request is for: where, and up to how much."""

    store: str
    terminal: str
    amount: str


@dataclass(frozen=True, slots=True)
class DeviceConfirmationView:
    """What the person confirms. `code` is the user code as people read it; `decides`: a decision is requested too."""

    name: str
    merchant: str
    client: str
    code: str
    sales: tuple[SaleView, ...]
    purposes: tuple[str, ...]
    parts: tuple[ConsentPart, ...]
    form: NarrowingForm
    decides: bool


def describe_request(
    texts: Texts, request: PointOfSaleRequest, choice: Choice = AS_ASKED, refused: InvalidInput | None = None
) -> DeviceConfirmationView:
    """The request in the person's language, with the choice in its fields, and what is wrong with it if refused."""
    waiting, asked = request.waiting, request.waiting.asked
    parts = describe_parts(texts, waiting.merchant.name, asked.scopes, asked.details, waiting.now)
    sales = (_describe_sale(texts, detail) for detail in asked.details)
    return DeviceConfirmationView(
        name=request.name,
        merchant=waiting.merchant.name,
        client=waiting.client.name,
        code=waiting.user_code,
        sales=tuple(dict.fromkeys(sale for sale in sales if sale is not None)),
        purposes=tuple(dict.fromkeys(part.purpose for part in parts)),
        parts=parts,
        form=describe_form(texts, asked, waiting.now, choice, refused),
        decides=any(detail.type == "decision" for detail in asked.details),
    )


def _describe_sale(texts: Texts, detail: AuthorizationDetail) -> SaleView | None:
    if detail.point_of_sale is None or detail.maximum_amount is None:
        return None
    return SaleView(detail.point_of_sale.store_id, detail.point_of_sale.terminal_id, texts.money(detail.maximum_amount))
