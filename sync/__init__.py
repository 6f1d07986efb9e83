"""HubSpot → SAP Sales Cloud: hands marketing qualified leads over, once each, with a reason for every yes and no."""
