"""What tests share: visitors, stores, servers, clocks.  No test is in here."""
