"""What the updater counts, as Prometheus reads it."""

from __future__ import annotations

from kubelab.engine.controllers.vpa.measures import UpdaterMeasures
from kubelab.engine.measures import Measures


def test_gauges_are_of_the_last_round_and_counters_of_all() -> None:
    measures = Measures()
    updater = UpdaterMeasures(measures)
    for _ in range(2):
        updater.begin()
        updater.saw("Recreate", 5, {"evict": 3})
        updater.saw("InPlaceOrRecreate", 1, {"resize": 1})
        updater.evicted("Recreate", 5)
        updater.resized(1)
    text = measures.text()
    assert 'vpa_updater_controlled_pods_total{vpa_size_log2="2",update_mode="Recreate"} 5' in text
    assert 'vpa_updater_evictable_pods_total{vpa_size_log2="2",update_mode="Recreate"} 3' in text
    assert 'vpa_updater_in_place_updatable_pods_total{vpa_size_log2="0"} 1' in text
    assert 'vpa_updater_evicted_pods_total{vpa_size_log2="2",update_mode="Recreate"} 2' in text
    assert 'vpa_updater_in_place_updated_pods_total{vpa_size_log2="0"} 2' in text
