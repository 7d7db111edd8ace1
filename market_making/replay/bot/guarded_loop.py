"""The loop of a bot with its quote guard beside it: a program of its own, which waits for no loop."""

from market_making.replay.bot.bot import Bot, Loop, Wake
from market_making.replay.bot.guarding import ReplayGuard


def beside_guard(bot: Bot, loop: Loop, guard: ReplayGuard) -> Loop:
    """The same loop; while it waits for anything, the guard may cancel the bot's order.

    A bot that hears of its fills at once hears of the end of its order, too.

    Parameters
    ----------
    bot : Bot
        Whose order is guarded.
    loop : Loop
        Of the bot.
    guard : ReplayGuard
        Says what it cancels and when.
    """
    wake, reached_ms, done = next(loop), 0, 0
    while True:
        order = bot.at_stake()
        cancel_ms = None
        if order is not None and order.number != done:
            cancel_ms = guard.arrives_ms(order, reached_ms, wake.time_ms)
        is_first = cancel_ms is not None and cancel_ms < wake.time_ms
        reached_ms = yield (Wake(cancel_ms, wake.on_fill) if is_first and cancel_ms is not None else wake)
        if order is not None and cancel_ms is not None and reached_ms >= cancel_ms:
            done = order.number
            bot.cancelled_by_guard(reached_ms)
            if is_first and not wake.on_fill:
                continue
        try:
            wake = loop.send(reached_ms)
        except StopIteration:
            return
