"""The map shown in the meeting: one HTML page that asks no network and runs no text of the data."""

from geo.maps.background import tiles
from geo.maps.delta import delta_page
from geo.maps.page import folium_map, map_page, page_sizes
from geo.maps.payload import payload_sizes

__all__ = ["delta_page", "folium_map", "map_page", "page_sizes", "payload_sizes", "tiles"]
