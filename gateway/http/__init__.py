"""HTTP/1.1 connections; knows no application."""
