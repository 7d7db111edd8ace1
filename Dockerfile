# One image for every service: Freqtrade's own, with this project installed beside it.
FROM freqtradeorg/freqtrade:2026.9

USER 0:0
COPY --chown=ftuser:ftuser pyproject.toml README.md LICENSE /market-making/
COPY --chown=ftuser:ftuser market_making /market-making/market_making
COPY --chown=ftuser:ftuser calibration /market-making/calibration
COPY --chown=ftuser:ftuser user_data/config.json /market-making/user_data/config.json
COPY --chown=ftuser:ftuser user_data/strategies/*.py /market-making/user_data/strategies/
COPY --chown=ftuser:ftuser user_data/hyperopts/*.py /market-making/user_data/hyperopts/

# By number, so that an orchestrator can see that it is not root's.
USER 1000:1000
# The same where it is started as another user: the packages lie in this home.
ENV PYTHONUSERBASE=/home/ftuser/.local PYTHONDONTWRITEBYTECODE=1
RUN pip install --user --no-cache-dir '/market-making[plot]'
WORKDIR /freqtrade
