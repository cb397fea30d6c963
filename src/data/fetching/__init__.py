"""Files brought from the network, complete or absent: resumable downloads and careful extraction."""
