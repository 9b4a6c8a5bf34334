"""Going from one version to another on an installed machine, and back."""
