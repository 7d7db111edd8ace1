"""`mm dashboard`: a page that reads what the programs have written and changes nothing."""
