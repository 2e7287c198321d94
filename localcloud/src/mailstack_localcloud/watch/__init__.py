"""Periodic work of AWS that ministack lacks: alarms, queue depths, reputation, DNS verification."""
