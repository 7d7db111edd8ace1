"""How patient the guard is with one account."""

from dataclasses import dataclass


@dataclass(frozen=True)
class WatchRules:
    """Patience of the guard [s].

    Parameters
    ----------
    silence_s : float
        Without a finished loop of the bot for so long, none of its orders rests any more.
    unknown_s : float
        After which an order that neither database nor state file knows is cancelled.
    stale_s : float
        After which an order that could open is cancelled while there are no valid parameters.
    kill_s : float
        What a bot has to obey the kill switch by itself.
    remainder_s : float
        After which a remainder is cancelled that its bot does not want and Freqtrade cannot cancel.
    position_s : float
        After which a position that the books do not explain is reported.
    start_s : float
        What a bot may take from its start to its first loop; before that it has neither state file nor database.
    unbooked_s : float
        After which coins are left that its own orders have filled and its books have not; three times that while the
        bot lives and has not looped since: it may still wait for an answer.
    flatten_s : float
        What a living bot has to leave its position by itself when the kill switch asks for it.
    smallest_notional : float
        Largest value that Freqtrade may take for too small to be left at leverage 1 [USDC].
    flatten_unknown : bool
        Whether a position beyond the books is left, and not only reported.
    """

    silence_s: float = 5.0
    unknown_s: float = 3.0
    stale_s: float = 3.0
    kill_s: float = 1.0
    remainder_s: float = 3.0
    position_s: float = 10.0
    start_s: float = 60.0
    unbooked_s: float = 3.0
    flatten_s: float = 10.0
    smallest_notional: float = 15.0
    flatten_unknown: bool = False
