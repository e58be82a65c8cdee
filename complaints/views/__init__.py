"""Pages and forms of the inspectors, one noun a file."""
