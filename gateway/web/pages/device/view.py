"""The view of the device page: the permission form of a point of sale, with store, terminal and amount."""

from dataclasses import dataclass

from gateway.domain.consents.authorization_detail import AuthorizationDetail
from gateway.domain.consents.request import AS_ASKED, Choice
from gateway.domain.errors import InvalidInput
from gateway.oauth.endpoints.device_verification import DeviceRequest
from gateway.oauth.metadata import DEVICE
from gateway.web.site.permission import Permission, describe_permission
from gateway.web.texts import Texts


@dataclass(frozen=True, slots=True)
class PointOfSaleRequest:
    """The undecided request of a point of sale, and the name of the signed-in person."""

    name: str
    request: DeviceRequest


@dataclass(frozen=True, slots=True)
class SaleView:
    """A purchase of the request: its store, terminal and maximum amount."""

    store: str
    terminal: str
    amount: str


@dataclass(frozen=True, slots=True)
class DeviceConfirmationView:
    """The content of the page. `code` is the user code in the form for persons."""

    permission: Permission
    code: str
    sales: tuple[SaleView, ...]


def describe_request(
    texts: Texts, sale: PointOfSaleRequest, choice: Choice = AS_ASKED, refused: InvalidInput | None = None
) -> DeviceConfirmationView:
    """The request in the person's language, with their choice in its fields, and the problem if it was refused."""
    request = sale.request
    permission = describe_permission(
        texts,
        request.asked,
        request.now,
        choice,
        refused,
        name=sale.name,
        merchant=request.merchant.name,
        client=request.client.name,
        action=DEVICE,
        fields={"user_code": request.user_code},
        return_to=DEVICE,
    )
    sales = (_describe_sale(texts, detail) for detail in request.asked.details)
    return DeviceConfirmationView(
        permission=permission,
        code=request.user_code,
        sales=tuple(dict.fromkeys(each for each in sales if each is not None)),
    )


def _describe_sale(texts: Texts, detail: AuthorizationDetail) -> SaleView | None:
    if detail.point_of_sale is None or detail.maximum_amount is None:
        return None
    return SaleView(detail.point_of_sale.store_id, detail.point_of_sale.terminal_id, texts.money(detail.maximum_amount))
