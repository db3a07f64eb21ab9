"""How the program is installed and run: the wheel, containers, units, proxies."""
