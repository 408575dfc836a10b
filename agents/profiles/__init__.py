"""Where a device keeps its settings: profiles, and one byte-preserving reader and changer per format."""
