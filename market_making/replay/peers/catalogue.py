"""The peers by name."""

from collections.abc import Mapping
from functools import partial

from market_making.market.errors import ConfigurationError
from market_making.market.suggestion import did_you_mean
from market_making.replay.peers.keeping import Drifting, EveryLoop, Refreshing, TimingOut
from market_making.replay.peers.peer import Peer
from market_making.replay.peers.pricing import AtTouch, BasicAdding, FixedSpread, RollingAvellaneda
from market_making.replay.peers.prior_art import PriorArt

_PEERS = (
    Peer(
        "pure_market_making",
        "Hummingbot: 10 bps from mid, both sides renewed every 30 s, 60 s of rest after a fill",
        partial(FixedSpread, 10.0),
        Refreshing,
    ),
    Peer(
        "avellaneda_market_making",
        "Hummingbot: Avellaneda–Stoikov with γ = 1, σ of 200 samples, renewed every 30 s, 60 s of rest after a fill",
        RollingAvellaneda,
        Refreshing,
    ),
    Peer(
        "basic_adding",
        "Hyperliquid SDK's example: 0.3 % beyond the touch up to the bound, moved when off by half of that",
        BasicAdding,
        Drifting,
    ),
    Peer(
        "prior_art",
        "the earlier public Cartea–Jaimungal bot: long or flat, φ = 0, a loop and a timeout of 15 s",
        PriorArt,
        TimingOut,
    ),
    Peer("fixed_spread", "5 bps from mid, both sides, moved every loop", FixedSpread, EveryLoop),
    Peer("touch", "at the best prices, both sides, moved every loop", AtTouch, EveryLoop),
)
PEERS: Mapping[str, Peer] = {peer.name: peer for peer in _PEERS}


def peer_of(name: str) -> Peer:
    """A peer by name.

    Raises
    ------
    ConfigurationError
        If there is none of this name.
    """
    if name not in PEERS:
        raise ConfigurationError(
            f"a peer must be one of {', '.join(PEERS)}, got {name}{did_you_mean(name, tuple(PEERS))}"
        )
    return PEERS[name]
