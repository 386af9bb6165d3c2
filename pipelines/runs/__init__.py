"""Runs that make versions, whatever their job: options, planning, running, and how they end."""
