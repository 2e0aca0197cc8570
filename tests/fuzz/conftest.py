"""How often each fuzzer ran its target, told at the end of the run."""


def pytest_terminal_summary(terminalreporter):
    told = [(report.nodeid.rsplit("[", 1)[-1].rstrip("]"), value) for report in terminalreporter.getreports("passed")
            for name, value in report.user_properties if name == "executions"]
    if told:
        terminalreporter.section("executions of each fuzzer")
        for name, executions in told:
            terminalreporter.write_line(f"{name:24}{executions:>12,}")
