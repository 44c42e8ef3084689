"""Commands under the names that projects know: migrations, analysis of logs, benchmark of the queries."""
