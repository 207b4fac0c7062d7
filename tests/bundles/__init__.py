"""The bundles that become the services' code, as Lambda unpacks them."""
