"""What a tracker (ClearML, MLflow) is told of the jobs, by processes beside them."""
