"""Events that compete: how often each happens, in whom, and what raises its rate or its share."""
