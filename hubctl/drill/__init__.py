"""`hubctl drill`: break a hub on purpose while agents talk on it, then compare what was taken with what was heard."""
