"""What a person sees of a score of the provider."""

from gateway.domain.scoring.tier import Tier
from gateway.domain.scoring.what_if import Choice
from tests.support.remote_world import RemoteWorld


def test_reasons_have_the_texts_of_the_provider(world: RemoteWorld) -> None:
    score = world.container.person_scores.load(world.user("excellent"), Choice(keep=3))
    assert (score.measurement.score, score.measurement.tier) == (702, Tier.EXCELLENT)
    catalogue = world.remote.provider.reasons
    assert score.measurement.reasons
    assert [(each.text.en, each.text.zh) for each in score.reasons] == [
        (catalogue[code].en, catalogue[code].zh) for code in score.measurement.reasons
    ]
    assert score.scorecard is None
