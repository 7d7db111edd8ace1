"""What fills orders in a replay: two engines that share no code, behind one protocol."""
