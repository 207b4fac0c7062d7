"""Make what is deployed: environments, locks, wheels, bundles, assemblies."""
