"""What must hold of every bench at every tick, each by its id: the tests here and elsewhere that :mod:`index` names."""
