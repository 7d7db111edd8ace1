# One image for every service: Freqtrade's own, with this project installed beside it.
FROM freqtradeorg/freqtrade:2026.9

USER root
COPY --chown=ftuser:ftuser pyproject.toml README.md LICENSE /market-making/
COPY --chown=ftuser:ftuser market /market-making/market
COPY --chown=ftuser:ftuser quoting /market-making/quoting
COPY --chown=ftuser:ftuser trading /market-making/trading
COPY --chown=ftuser:ftuser calibration /market-making/calibration
COPY --chown=ftuser:ftuser venue /market-making/venue
COPY --chown=ftuser:ftuser ops /market-making/ops

USER ftuser
RUN pip install --user --no-cache-dir '/market-making[plot]'
WORKDIR /freqtrade
