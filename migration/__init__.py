"""The migration, rehearsed: from one stack and one table to today's, under live traffic."""
