"""What a tester would do, as scripts, one file per service. They drive; they judge nothing."""
