"""Registering, listing and removing trusted documents."""

import pytest

from gateway.audit.log_report import FindingKind
from gateway.audit.log_verification import verify_logs
from gateway.domain.errors import InvalidInput, NotFound
from gateway.domain.identity import trusted_document
from gateway.domain.identity.trusted_document import TrustedDocument, compute_id
from gateway.services.identity import trusted_documents
from gateway.services.identity.trusted_documents import Registration, TrustedDocumentService
from tests.support.demo_world import DemoWorld
from tests.support.race import race
from tests.support.units import reading, writing

NAME, TIER, TIER_TWICE = (
    TrustedDocument(compute_id(text), text) for text in ("query Name { a }", "query Tier { b }", "{ b } # twice")
)
CUSTOM = TrustedDocument("FriendNames", "query FriendNames { c }")


@pytest.fixture
def documents(world: DemoWorld) -> TrustedDocumentService:
    return world.container.documents


def ids(documents: TrustedDocumentService, client: str) -> list[str]:
    return sorted(row.id for row in documents.list_of_client(client))


def test_registration_adds_documents_once(world: DemoWorld, documents: TrustedDocumentService) -> None:
    client = world.client("car_rental")
    first = documents.register(client, [NAME, TIER])
    assert first == Registration(added=tuple(sorted((NAME.id, TIER.id))))
    before = world.contents()
    assert documents.register(client, [TIER, NAME]) == Registration(unchanged=first.added)
    assert world.contents() == before, "not even the record log"
    assert documents.load_text(client, NAME.id) == NAME.text


def test_client_has_only_its_own_documents(world: DemoWorld, documents: TrustedDocumentService) -> None:
    client, other = world.client("car_rental"), world.client("online_shop")
    documents.register(client, [NAME])
    assert (ids(documents, other), documents.load_text(other, NAME.id)) == ([], None)


def test_replacement_removes_all_others(world: DemoWorld, documents: TrustedDocumentService) -> None:
    client = world.client("car_rental")
    documents.register(client, [NAME, TIER])
    assert documents.register(client, [TIER, CUSTOM], replace=True) == Registration(
        (CUSTOM.id,), (TIER.id,), (NAME.id,)
    )
    assert ids(documents, client) == sorted((TIER.id, CUSTOM.id))


def test_identifier_keeps_its_text_unless_it_is_replaced(world: DemoWorld, documents: TrustedDocumentService) -> None:
    client, other_text = world.client("car_rental"), TrustedDocument(CUSTOM.id, TIER.text)
    documents.register(client, [CUSTOM])
    with pytest.raises(InvalidInput, match="FriendNames is registered with another text"):
        documents.register(client, [NAME, other_text])
    assert ids(documents, client) == [CUSTOM.id], "none of the others either"
    assert documents.register(client, [other_text], replace=True) == Registration(added=(CUSTOM.id,))
    assert documents.load_text(client, CUSTOM.id) == TIER.text


def test_removal_of_an_unknown_document_removes_none(world: DemoWorld, documents: TrustedDocumentService) -> None:
    client = world.client("car_rental")
    documents.register(client, [NAME, TIER])
    with pytest.raises(NotFound, match=TIER_TWICE.id):
        documents.remove(client, [NAME.id, TIER_TWICE.id])
    documents.remove(client, [NAME.id, TIER.id.removeprefix("sha256:")])
    assert ids(documents, client) == []


def test_number_of_documents_of_a_client_is_limited(
    world: DemoWorld, documents: TrustedDocumentService, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert trusted_document.MOST_DOCUMENTS == 1000
    monkeypatch.setattr(trusted_documents, "MOST_DOCUMENTS", 2)
    client = world.client("car_rental")
    documents.register(client, [NAME, TIER])
    with pytest.raises(InvalidInput, match="at most 2 documents"):
        documents.register(client, [CUSTOM])
    assert documents.register(client, [CUSTOM, NAME], replace=True).added == (CUSTOM.id,)


def test_unknown_and_disabled_clients_have_no_documents(world: DemoWorld, documents: TrustedDocumentService) -> None:
    client = world.client("car_rental")
    documents.register(client, [NAME])
    with writing(world.database) as unit:
        world.clients.disable(unit, client)
    assert world.counts()["trusted_documents"] == 0
    for each in (client, "cli_none"):
        with pytest.raises(NotFound):
            documents.register(each, [NAME])
        with pytest.raises(NotFound):
            documents.list_of_client(each)
    assert world.mismatches() == []


def test_concurrent_registrations_keep_all_documents(world: DemoWorld, documents: TrustedDocumentService) -> None:
    client = world.client("car_rental")
    texts = [f"query Number{number} {{ a }}" for number in range(6)]
    race(lambda number: documents.register(client, [TrustedDocument(compute_id(texts[number]), texts[number])]), 6)
    assert ids(documents, client) == sorted(map(compute_id, texts))
    assert world.mismatches() == []


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param("UPDATE trusted_documents SET text = 'query Tier { other }'", id="C3-document-text"),
        pytest.param("DELETE FROM trusted_documents", id="C3-document-removed"),
        pytest.param(
            "INSERT INTO trusted_documents SELECT client_id, 'x', text, created_at FROM trusted_documents",
            id="C3-document-inserted",
        ),
        pytest.param("DELETE FROM trusted_document_sets", id="C3-document-set-removed"),
    ],
)
def test_documents_edited_by_hand_are_found(world: DemoWorld, documents: TrustedDocumentService, edit: str) -> None:
    client = world.client("car_rental")
    documents.register(client, [TIER])
    assert world.mismatches() == []
    world.execute(edit)
    assert f"Client {client}: its trusted documents do not match their digest." in world.mismatches()


def test_c3_edited_digest_of_documents_is_found_in_the_record_log(
    world: DemoWorld, documents: TrustedDocumentService
) -> None:
    documents.register(world.client("car_rental"), [TIER])
    with reading(world.database) as unit:
        assert verify_logs(unit).intact
    world.execute("UPDATE trusted_document_sets SET digest = 'other'")
    with reading(world.database) as unit:
        finding = verify_logs(unit).finding
    assert finding is not None
    assert (finding.kind, finding.log) == (FindingKind.NOT_LOGGED, "record")
