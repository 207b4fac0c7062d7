"""Between the contracts' models and the domain's types, in both directions."""
