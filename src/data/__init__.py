"""From a source's photographs to shards a training loop reads: sources, selection, splits, shards, dataset."""
