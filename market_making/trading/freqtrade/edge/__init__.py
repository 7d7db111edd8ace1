"""Every override of an object of ccxt or Freqtrade, each with a name, a switch and a contract test."""
