"""What carries messages out of the house: ports and drivers that decide nothing."""
