"""Several models trained alike, side by side: a DVC experiment each, then one table, one plot and one page."""
