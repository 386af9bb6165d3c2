"""How far long steps are."""
