"""What AWS does by the clock and ministack does not: alarms, queue depths, reputation, records looked for."""
